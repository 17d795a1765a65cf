"""What `pointsman doctor` looks at: one module for each thing."""
