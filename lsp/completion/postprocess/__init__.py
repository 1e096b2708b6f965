"""What the model said becomes what may be shown: pure steps in a fixed order. It asks no model."""
