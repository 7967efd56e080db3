"""Expectations: the tests of a site, held against its compiled files by the engine that traces envelopes."""
