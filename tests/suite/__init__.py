"""What ``scripts/test`` runs: the judges, the tiers of tests, and the closing account."""
