/** What a notification says when jobs of the past may be claimed again; of new ones it says nothing. */
export const GIVEN_BACK = 'given back'
