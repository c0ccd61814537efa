"""The same workloads here and elsewhere: other frameworks as peers, each in a process of its own.

`workloads` says what is computed and what is aimed at, a peer's module builds it (`ours`, `pytorch`), `worker` runs it
in its process, `contest` checks that all compute the same and times them in turn.
"""
