"""DynamoDB's expressions: text and placeholders in, compiled conditions, updates and paths out.

The way of one expression: `tokens.py` cuts the text, `parser.py` and `update_parser.py` build the
tree of `syntax.py`, `substitutions.py` holds the request's `#names` and `:values`, and one module
per kind of expression compiles the tree: `evaluate.py`, `update.py`, `projection.py`,
`key_condition.py`. `legacy.py` brings the older parameters to the same compiled types.
"""
