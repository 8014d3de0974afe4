"""What Python has removed since scripts were written against telegram-cli: brought back where a few lines of our own do it, else
named with its replacement.

Invariant: nothing here stands in the place of something that this Python still has.
"""
