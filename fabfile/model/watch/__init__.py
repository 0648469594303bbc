"""Looking at servers: what is right and wrong, check by check; logs; what is used."""
