"""A client that plays the one-stop-shop: a believable year of dossiers, sent through the HTTP API.

Nothing here is known to the server and nothing of the server is used here. A dossier follows from
(seed, number) and the plan of its year alone, so a year of ten million needs no more memory than
one of a thousand, and any part of it can be made again anywhere.

    calendar   working days, and instants laid on one line of working seconds
    province   branches, communes, procedures and limits, as the API lists them
    people     names of applicants and officers, out of word lists
    plan       where in the year a number falls: day, branch, running number; how good a branch is
    life       what befalls one dossier, from submission to hand-over
    snapshot   the record sent, as seen at one moment of that life
    faults     records that are wrong, as real ones are
    year       the stream of a year: order, re-sends, disorder
    play       the stream over HTTP
"""
