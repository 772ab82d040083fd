/**
 * Imported before everything else, because it must act before any package is loaded: the FHIR client's package, told so by DEBUG, prints the URL of each
 * request with the identifiers in it. No other name of a package is worth that risk either: DEBUG=* would name it, too.
 */
delete process.env["DEBUG"];
