"""Holdfast's agent: what runs in a tenant's machine.

Python's standard library only, and Debian's tools for all real work: cryptsetup,
clevis, age, restic, curl, nft, PostgreSQL's own programs. What a step has done
is seen by looking at the thing itself (a header, a mount, a repository), so that
every step may be interrupted anywhere and run again.
"""
