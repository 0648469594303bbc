"""What a deploy decides by: the wanted stack, the plan, releases and the way back."""
