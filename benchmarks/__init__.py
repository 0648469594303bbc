"""What this collection costs, measured in the lab beside what it is compared with."""
