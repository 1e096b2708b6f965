"""The kinds of secrets that tests plant, and the ten of them that were set aside before the detector was changed.

The ten are those whose names have the smallest SHA-256. No rule was written for them until their recall had been
measured.
"""

from __future__ import annotations

import hashlib

N_ASIDE = 10
TABLE = """
aws-access-key-id aws-secret-access-key azure-storage-account-key azure-sas-token azure-ad-client-secret
gcp-api-key gcp-oauth-client-secret gcp-service-account-key github-classic-token github-fine-grained-token
github-app-token gitlab-personal-token gitlab-runner-token bitbucket-app-password slack-bot-token
slack-app-level-token slack-webhook discord-bot-token discord-webhook telegram-bot-token stripe-secret-key
stripe-restricted-key square-access-token paypal-braintree-token shopify-access-token twilio-api-key
twilio-auth-token sendgrid-key mailgun-key mailchimp-key postmark-server-token npm-token pypi-token rubygems-key
docker-hub-token huggingface-token openai-project-key anthropic-key replicate-token digitalocean-token
heroku-key cloudflare-api-token databricks-token datadog-api-key newrelic-key sentry-token
grafana-service-account-token pagerduty-token linear-key notion-token airtable-token figma-token
hashicorp-vault-token terraform-cloud-token pulumi-token planetscale-password supabase-service-key doppler-token
atlassian-api-token artifactory-key json-web-token bearer-header basic-auth-header private-key-pem
private-key-without-header age-identity wireguard-private-key ssh-private-key-base64 kubeconfig-token
kubeconfig-client-key-data netrc-password pgpassword database-url redis-url django-secret-key rails-master-key
flask-secret-key laravel-app-key jwt-signing-secret hex-encryption-key base64-encryption-key plain-password
passphrase ethereum-private-key bitcoin-wif-key
"""
NAMES = tuple(TABLE.split())


def set_aside() -> frozenset[str]:
    return frozenset(sorted(NAMES, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:N_ASIDE])
