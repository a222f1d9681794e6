"""Notices: who is told of what, in the inbox of an account and on its phone, and outside through the channels of an office.

Invariant: a notice is written in the transaction of what caused it, and says nothing of a person: neither name nor number
nor address.
"""
