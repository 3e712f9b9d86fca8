"""What a session answers besides files: logins, secrets, SSH agents."""
