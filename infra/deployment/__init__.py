"""The steps of infra/deploy."""
