"""CronJobs: a Job each time that a schedule says so.

`controller` watches and reconciles one CronJob, `schedule` says which time is due. Upstream: `pkg/controller/cronjob`.
"""
