"""What happens to deployments: one keyword-only function per verb."""
