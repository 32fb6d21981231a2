"""How foreign sources speak: one file per kind of source, none knows another's value codes.

An adapter is pure: what arrived goes in, native records and problems come out.
"""
