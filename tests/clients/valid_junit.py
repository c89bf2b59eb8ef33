"""Holds a JUnit XML file to the schema that Jenkins and pytest use: python valid_junit.py <schema.xsd> <file.xml>."""

import sys

import xmlschema

schema, document = sys.argv[1:]
xmlschema.XMLSchema(schema).validate(document)
