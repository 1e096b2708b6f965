"""Kinds of secrets: by what name each goes and what it looks like.

The facts about forms come from the public rule sets of gitleaks (config/gitleaks.toml) and detect-secrets, and from the
providers' own pages.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from planted_values import (
    ALNUM,
    BASE32,
    BASE58,
    BASE64,
    BECH32,
    DIGITS,
    DJANGO,
    HEX,
    LOWER,
    PASSWORD_SIGNS,
    UPPER,
    URLSAFE,
    Make,
    basic_header,
    database_url,
    encoded,
    encoded_private_key,
    json_web_token,
    key_without_header,
    netrc,
    one_of,
    passphrase,
    password,
    private_key,
    sas_token,
    service_account,
    shape,
    ssh_key,
    uuid,
)


@dataclass(frozen=True)
class Kind:
    """`names` in snake case, one is taken. `spellings`: those that make sense; empty: all."""

    name: str
    names: tuple[str, ...]
    make: Make
    spellings: tuple[str, ...] = ()


ONE_LINE = ("env", "python", "typescript", "go", "rust", "c", "java", "yaml", "json", "ini", "shell", "comment")
KINDS: tuple[Kind, ...] = (
    Kind("aws-access-key-id", ("aws_access_key_id", "access_id"), shape("AKIA", (BASE32, 16))),
    Kind("aws-secret-access-key", ("aws_secret_access_key", "aws_secret_key"), shape((BASE64, 40))),
    Kind("azure-storage-account-key", ("account_key", "azure_storage_key"), encoded(64)),
    Kind(
        "azure-ad-client-secret",
        ("client_secret", "azure_client_secret"),
        shape((ALNUM, 3), "8Q~", (URLSAFE + "~.", 34)),
    ),
    Kind("gcp-api-key", ("maps_key", "google_api_key"), shape("AIza", (URLSAFE, 35))),
    Kind("gcp-oauth-client-secret", ("oauth_client", "client_secret"), shape("GOCSPX-", (URLSAFE, 28))),
    Kind(
        "gcp-service-account-key", ("google_credentials", "service_account"), service_account, ("json", "python", "env")
    ),
    Kind("github-classic-token", ("github_token", "gh_pat"), shape("ghp_", (ALNUM, 36))),
    Kind("github-fine-grained-token", ("github_token", "deploy"), shape("github_pat_", (ALNUM, 22), "_", (ALNUM, 59))),
    Kind(
        "github-app-token",
        ("installation_token", "github_app"),
        one_of(shape("ghs_", (ALNUM, 36)), shape("gho_", (ALNUM, 36))),
    ),
    Kind("gitlab-personal-token", ("gitlab_token", "ci_access"), shape("glpat-", (URLSAFE, 20))),
    Kind(
        "gitlab-runner-token",
        ("runner_token", "registration"),
        one_of(shape("glrt-", (URLSAFE, 20)), shape("GR1348941", (URLSAFE, 20))),
    ),
    Kind("bitbucket-app-password", ("bitbucket_app_password", "app_password"), shape("ATBB", (ALNUM, 32))),
    Kind("slack-bot-token", ("slack_token", "bot"), shape("xoxb-", (DIGITS, 12), "-", (DIGITS, 12), "-", (ALNUM, 24))),
    Kind(
        "slack-app-level-token",
        ("slack_app_token", "socket_mode"),
        shape("xapp-1-A", (UPPER, 10), "-", (DIGITS, 13), "-", (HEX, 64)),
    ),
    Kind(
        "slack-webhook",
        ("webhook", "slack_url"),
        shape("https://hooks.slack.com/services/T", (UPPER, 10), "/B", (UPPER, 10), "/", (ALNUM, 24)),
        ONE_LINE,
    ),
    Kind(
        "discord-bot-token",
        ("discord_token", "bot_token"),
        shape("M", (ALNUM, 23), ".", (URLSAFE, 6), ".", (URLSAFE, 38)),
    ),
    Kind(
        "discord-webhook",
        ("webhook", "discord_url"),
        shape("https://discord.com/api/webhooks/", (DIGITS, 18), "/", (URLSAFE, 68)),
        ONE_LINE,
    ),
    Kind("telegram-bot-token", ("telegram_token", "bot"), shape((DIGITS, 10), ":AA", (URLSAFE, 33))),
    Kind("stripe-secret-key", ("stripe_key", "payments"), shape("sk_live_", (ALNUM, 24))),
    Kind("stripe-restricted-key", ("stripe_key", "payments"), shape("rk_live_", (ALNUM, 24))),
    Kind(
        "square-access-token",
        ("square_token", "square"),
        one_of(shape("EAAA", (URLSAFE, 60)), shape("sq0atp-", (URLSAFE, 22))),
    ),
    Kind("shopify-access-token", ("shopify_token", "shop"), shape("shpat_", (HEX, 32))),
    Kind("twilio-api-key", ("twilio_api_key", "twilio_key_secret"), shape("SK", (HEX, 32))),
    Kind("sendgrid-key", ("sendgrid_api_key", "mailer"), shape("SG.", (URLSAFE, 22), ".", (URLSAFE, 43))),
    Kind("mailgun-key", ("mailgun_key", "mailgun_api_key"), shape("key-", (HEX, 32))),
    Kind("mailchimp-key", ("mailchimp_api_key", "mailchimp_key"), shape((HEX, 32), "-us", ("12345678", 1))),
    Kind("postmark-server-token", ("postmark_server_token", "postmark_token"), uuid),
    Kind("npm-token", ("npm_token", "registry"), shape("npm_", (ALNUM, 36))),
    Kind("pypi-token", ("pypi_token", "twine_password"), shape("pypi-AgEIcHlwaS5vcmc", (URLSAFE, 120))),
    Kind("rubygems-key", ("rubygems_api_key", "gem_host"), shape("rubygems_", (HEX, 48))),
    Kind("docker-hub-token", ("docker_token", "registry"), shape("dckr_pat_", (URLSAFE, 27))),
    Kind("huggingface-token", ("hf_token", "hub"), shape("hf_", (string.ascii_letters, 34))),
    Kind("anthropic-key", ("anthropic_api_key", "claude"), shape("sk-ant-api03-", (URLSAFE, 93), "AA")),
    Kind("digitalocean-token", ("do_token", "droplets"), shape("dop_v1_", (HEX, 64))),
    Kind("heroku-key", ("heroku_api_key", "heroku_key"), one_of(uuid, shape("HRKU-AA", (URLSAFE, 58)))),
    Kind("cloudflare-api-token", ("cloudflare_api_token", "cf_api_token"), shape((URLSAFE, 40))),
    Kind("databricks-token", ("databricks_token", "workspace"), shape("dapi", (HEX, 32))),
    Kind("datadog-api-key", ("datadog_api_key", "dd_api_key"), shape((HEX, 32))),
    Kind("newrelic-key", ("new_relic_license", "newrelic_key"), shape("NRAK-", (UPPER, 27))),
    Kind("sentry-token", ("sentry_auth_token", "sentry"), shape("sntryu_", (HEX, 64))),
    Kind("grafana-service-account-token", ("grafana_token", "grafana"), shape("glsa_", (ALNUM, 32), "_", (HEX, 8))),
    Kind("pagerduty-token", ("pagerduty_token", "pagerduty_api_key"), shape("u+", (URLSAFE, 18))),
    Kind("linear-key", ("linear_key", "linear"), shape("lin_api_", (ALNUM, 40))),
    Kind(
        "notion-token",
        ("notion_token", "notion"),
        one_of(shape("ntn_", (DIGITS, 11), (ALNUM, 35)), shape("secret_", (ALNUM, 43))),
    ),
    Kind("airtable-token", ("airtable_token", "airtable"), shape("pat", (ALNUM, 14), ".", (HEX, 64))),
    Kind("figma-token", ("figma_token", "figma"), shape("figd_", (URLSAFE, 40))),
    Kind("hashicorp-vault-token", ("vault_token", "vault"), shape("hvs.", (URLSAFE, 95))),
    Kind("terraform-cloud-token", ("tfe_token", "terraform"), shape((ALNUM, 14), ".atlasv1.", (URLSAFE, 67))),
    Kind("pulumi-token", ("pulumi_access_token", "pulumi"), shape("pul-", (HEX, 40))),
    Kind("planetscale-password", ("planetscale_password", "planetscale"), shape("pscale_pw_", (URLSAFE, 43))),
    Kind("doppler-token", ("doppler_token", "doppler"), shape("dp.pt.", (ALNUM, 43))),
    Kind("atlassian-api-token", ("jira_api_token", "atlassian_token"), shape("ATATT3", (URLSAFE, 186))),
    Kind("artifactory-key", ("artifactory_api_key", "artifactory"), shape("AKCp", (ALNUM, 69))),
    Kind("json-web-token", ("session", "id_token"), json_web_token),
    Kind(
        "bearer-header",
        ("authorization",),
        shape("Bearer ", (ALNUM, 40)),
        tuple(each for each in ONE_LINE if each != "java"),
    ),
    Kind(
        "private-key-pem",
        ("private_key", "tls_key"),
        private_key,
        ("env", "python", "typescript", "go", "rust", "c", "java", "yaml", "json", "ini"),
    ),
    Kind(
        "private-key-without-header", ("private_key", "tls_key"), key_without_header, ("yaml", "python", "go", "bare")
    ),
    Kind("age-identity", ("age_key", "identity"), shape("AGE-SECRET-KEY-1", (BECH32, 58))),
    Kind("wireguard-private-key", ("private_key", "wg_private_key"), encoded(32)),
    Kind("kubeconfig-token", ("token",), one_of(json_web_token, shape((ALNUM, 48))), ("yaml", "json")),
    Kind("kubeconfig-client-key-data", ("client-key-data",), encoded_private_key, ("yaml", "json")),
    Kind("netrc-password", ("netrc",), netrc, ("bare", "shell_text", "comment")),
    Kind("pgpassword", ("PGPASSWORD",), password),
    Kind("database-url", ("database_url", "dsn"), database_url, ONE_LINE),
    Kind(
        "redis-url",
        ("redis_url", "broker"),
        lambda chance: f"redis://:{password(chance)}@cache.internal:6379/0",
        ONE_LINE,
    ),
    Kind(
        "flask-secret-key",
        ("secret_key", "flask_secret_key"),
        one_of(shape((HEX, 48)), shape((ALNUM + PASSWORD_SIGNS, 24))),
    ),
    Kind("laravel-app-key", ("app_key",), lambda chance: f"base64:{encoded(32)(chance)}"),
    Kind(
        "jwt-signing-secret", ("jwt_secret", "jwt_signing_key"), one_of(shape((ALNUM, 32)), shape((HEX, 64)), password)
    ),
    Kind("hex-encryption-key", ("encryption_key", "aes_key"), one_of(shape((HEX, 64)), shape((HEX, 32)))),
    Kind("base64-encryption-key", ("encryption_key", "fernet_key"), encoded(32)),
    Kind("plain-password", ("password", "db_password", "smtp_passwd", "admin_pwd"), password),
    Kind("passphrase", ("passphrase", "key_passphrase"), passphrase),
    Kind("ethereum-private-key", ("private_key", "wallet_key"), shape("0x", (HEX, 64))),
    Kind("bitcoin-wif-key", ("wif", "wallet_key"), shape("K", (BASE58, 51))),
    # set aside until the rules had been measured
    Kind("azure-sas-token", ("sas_token", "azure_sas"), sas_token, ONE_LINE),
    Kind("basic-auth-header", ("authorization",), basic_header, tuple(each for each in ONE_LINE if each != "java")),
    Kind("django-secret-key", ("secret_key",), one_of(shape((DJANGO, 50)), shape("django-insecure-", (DJANGO, 50)))),
    Kind(
        "openai-project-key", ("openai_api_key", "openai"), shape("sk-proj-", (URLSAFE, 74), "T3BlbkFJ", (URLSAFE, 74))
    ),
    Kind(
        "paypal-braintree-token",
        ("braintree_token", "braintree"),
        shape("access_token$production$", (LOWER, 16), "$", (HEX, 32)),
    ),
    Kind("rails-master-key", ("rails_master_key", "secret_key_base"), one_of(shape((HEX, 32)), shape((HEX, 128)))),
    Kind("replicate-token", ("replicate_api_token", "replicate"), shape("r8_", (ALNUM, 37))),
    Kind(
        "ssh-private-key-base64",
        ("ssh_key", "deploy_key"),
        ssh_key,
        ("env", "python", "yaml", "json", "go", "shell", "bare"),
    ),
    Kind(
        "supabase-service-key",
        ("supabase_service_key", "supabase"),
        one_of(json_web_token, shape("sbp_", (HEX, 40)), shape("sb_secret_", (URLSAFE, 31))),
    ),
    Kind("twilio-auth-token", ("twilio_auth_token", "auth_token"), shape((HEX, 32))),
)
