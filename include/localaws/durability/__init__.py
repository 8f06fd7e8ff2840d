"""What was acknowledged survives: journal, snapshots, object contents, the disk they take (ADR 0006).

`middleware` carries requests out and journals them, `keeper` saves in the background. Services with documents
of their own keep them in `localaws.state`.
"""
