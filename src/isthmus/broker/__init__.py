"""Use cases in the OAuth *client* role: connect, keep, refresh and use the credentials of other people's services.

Refuses to know HTTP frameworks, terminals and SQL: the edges hand over plain values and get plain values or
errors back. This is the only package that sees an opened credential together with a request to send.
"""
