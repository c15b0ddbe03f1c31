"""The front doors: DynamoDB's JSON over HTTP, gRPC, and who may come in."""
