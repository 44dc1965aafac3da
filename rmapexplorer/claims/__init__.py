"""What the letter of 2004-03-12 claims, each claim as an experiment: a scenario, figures, and a rule that judges them."""
