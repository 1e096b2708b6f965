"""The setting of the fault tests, which tests/support/fault_setting.py describes."""

from fault_setting import daemon as daemon
from fault_setting import setting as setting
