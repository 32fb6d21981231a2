"""Đúng Hạn: the statutory deadlines of land-registration dossiers.

The rooms, and what a line in each of them knows:

    core        a statutory rule, a working day, a legal transition, a rate (standard library only)
    db          SQL, a table, an index
    outbound    another machine: a webhook, a mail server
    adapters    how one kind of foreign source writes a dossier
    service     the order of steps inside one transaction
    printed     a row of headings, a number format, a line of a terminal
    web         an HTTP status, a JSON field, a page
    simulator   how a one-stop shop behaves (it speaks to us over HTTP only)
    catalogue   nothing: it is data (calendar, procedures, a sample province)

    main        the HTTP front door     cli     the command-line front door
    settings    an environment variable wallclock   what time it is

`jobs`, beside this package, is the front door of time. Arrows go down only:
main | cli | jobs -> web -> printed -> service -> db | outbound | adapters -> core; `lint-imports`
keeps it so.
"""
