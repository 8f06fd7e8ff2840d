"""How good each model is, which one wins, and whether it may go live. Pure, but for reading rows."""
