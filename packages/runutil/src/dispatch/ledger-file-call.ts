import { LedgerFileError } from './errors.ts'

/** Calls the file system for a ledger. @throws LedgerFileError with the original error as `cause` */
export async function ledgerFileCall<T>(
  path: string,
  done: ConstructorParameters<typeof LedgerFileError>[1],
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call()
  } catch (error) {
    throw new LedgerFileError(path, done, error)
  }
}
