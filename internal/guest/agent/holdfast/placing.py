"""Putting what was restored into its place, by renaming."""
import contextlib
import os
import shutil

from .machine import Problem

# What a new file system, this agent and the database put beside the tenant's files.
OURS = {"lost+found", ".holdfast"}


def occupied(mounts):
    """The first of the tenant's own things on these volumes; None if all are empty."""
    for mount in mounts:
        for name in sorted(os.listdir(mount)):
            if name not in OURS:
                return f"{mount}/{name}"
    return None


def put_aside(target, aside, leave):
    """Renames what is at a place, or inside it where it is a mount point, into
    another directory; what is there already was moved before an interruption."""
    if not os.path.lexists(target) or target in leave:
        return
    if any(p.startswith(target + "/") for p in leave):
        for name in sorted(os.listdir(target)):
            put_aside(os.path.join(target, name), os.path.join(aside, name), leave)
        return
    os.makedirs(os.path.dirname(aside), mode=0o700, exist_ok=True)
    os.rename(target, aside)


def place(staged, target):
    """Renames what was restored into its place: directories that exist are
    filled, files that exist are never overwritten. What is in its place has left
    the staging, so that this goes on after an interruption."""
    if not os.path.lexists(staged):
        return
    if not os.path.lexists(target):
        os.makedirs(os.path.dirname(target), exist_ok=True)
        move(staged, target)
    elif os.path.isdir(staged) and not os.path.islink(staged) and os.path.isdir(target) and not os.path.islink(target):
        like(staged, target)
        for name in sorted(os.listdir(staged)):
            place(os.path.join(staged, name), os.path.join(target, name))
        with contextlib.suppress(OSError):
            os.rmdir(staged)
    else:
        raise Problem(f"{target} exists already: it is not overwritten; what was restored is at {staged}")


def move(staged, target):
    """Renames; over the border of a file system it copies beside first."""
    if os.lstat(staged).st_dev == os.lstat(os.path.dirname(target)).st_dev:
        os.rename(staged, target)
        return
    half = target + ".holdfast-new"
    if os.path.lexists(half):
        shutil.rmtree(half) if os.path.isdir(half) and not os.path.islink(half) else os.unlink(half)
    if os.path.isdir(staged) and not os.path.islink(staged):
        copy_tree(staged, half)
    else:
        shutil.copy2(staged, half, follow_symlinks=False)
        os.lchown(half, os.lstat(staged).st_uid, os.lstat(staged).st_gid)
    os.rename(half, target)
    shutil.rmtree(staged) if os.path.isdir(staged) and not os.path.islink(staged) else os.unlink(staged)


def copy_tree(source, target):
    os.mkdir(target)
    for name in os.listdir(source):
        move_one = os.path.join(source, name)
        if os.path.isdir(move_one) and not os.path.islink(move_one):
            copy_tree(move_one, os.path.join(target, name))
        else:
            shutil.copy2(move_one, os.path.join(target, name), follow_symlinks=False)
            os.lchown(os.path.join(target, name), os.lstat(move_one).st_uid, os.lstat(move_one).st_gid)
    like(source, target)


def like(source, target):
    """Gives a directory the owner, the rights and the times of another."""
    s = os.lstat(source)
    os.chown(target, s.st_uid, s.st_gid)
    shutil.copystat(source, target)
