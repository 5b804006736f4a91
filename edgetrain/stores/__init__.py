"""Where objects and ledger rows are kept: S3 and DynamoDB, behind small ports."""
