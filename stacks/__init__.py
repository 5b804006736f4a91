"""What is deployed, as code. Importing this package starts nothing: the CDK's kernel starts with `stacks.application`."""
