"""One module per DynamoDB operation: a request's JSON in, a checked dataclass out."""
