/**
 * Whether a job of `jobs_blocked` hasn't ended, where it is looked up by its id: with `is null`, PostgreSQL may walk a whole partial
 * index of open jobs instead, which is as good while the table is empty.
 */
export const isOpen = (failedBy: string): string => `coalesce(${failedBy}, '') = ''`
