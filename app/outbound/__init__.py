"""What is said to other machines: webhooks and mail. No SQL, no rules."""
