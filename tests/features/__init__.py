"""What a compose file may say, feature by feature, and every pair of them: made, not written."""
