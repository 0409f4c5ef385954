"""Pagers: PagerDuty, and any receiver of a signed webhook."""
