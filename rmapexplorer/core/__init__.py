"""The world: one simulated kernel under one reverse-mapping design.

Depends on numpy and attrs only; knows neither Qt, nor a clock, nor randomness, nor threads.
"""
