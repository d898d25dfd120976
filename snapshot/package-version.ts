/** The version in package.json (a test holds them together): what `createdBy` in a snapshot's header says. */
export const packageVersion = "0.1.0";
