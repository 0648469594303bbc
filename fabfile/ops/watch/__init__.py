"""Looking at servers without changing them."""
