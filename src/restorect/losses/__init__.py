"""Losses: FLEX, colour, Retinex and flow."""
