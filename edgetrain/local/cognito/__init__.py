"""Cognito's user pools: moto keeps pools, clients and people; signing in, tokens and their keys are made here."""
