/** Of this package. A test holds it to package.json, which no bundle has at hand. */
export const VERSION = '0.1.0'
