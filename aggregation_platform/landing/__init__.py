"""What the organizations' APIs returned, verbatim, with the journal that lets a fetch go on.

Belongs here: the objects (objects.py), what the journal says (records.py), what follows from it
(state.py), one attempt's journal (journal.py), the zone itself and its readers (zone.py).
Elsewhere: what to fetch and when (extraction/), pages to rows (raw/).
"""
