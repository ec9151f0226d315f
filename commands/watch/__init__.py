"""Commands that look at a pipeline that runs. They only listen: no heartbeat, no credit, nothing
that another node could count or wait for.
"""
