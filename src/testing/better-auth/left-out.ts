/** The tests of Better Auth's suites that are left out, each in the two suites that have it, and why. */
const madeUpModel = 'makes a model up, and Latchkey has tables for its own alone'
const madeUpJoin = 'joins a model that is made up, oneToOneTable'

export const leftOut = {
  'create - should return null for nullable foreign keys': madeUpModel,
  'create - should apply default values to fields': madeUpModel,
  'create - should support arrays': madeUpModel,
  'create - should support json': madeUpModel,
  'findOne - should not apply defaultValue if value not found': madeUpModel,
  'findOne - should select fields with one-to-one join': madeUpJoin,
  'findOne - should return an object for one-to-one joins': madeUpJoin,
  'findOne - should work with both one-to-one and one-to-many joins': madeUpJoin,
  'findOne - should join a model with modified field name': madeUpJoin,
  "findOne - should return null for one-to-one join when joined record doesn't exist": madeUpJoin,
  'findMany - should select fields with one-to-one join': madeUpJoin,
  'findMany - should find many with one-to-one join': madeUpJoin,
  'findMany - should find many with both one-to-one and one-to-many joins': madeUpJoin,
  "findMany - should return null for one-to-one join when joined records don't exist": madeUpJoin,
  'findMany - should handle mixed joins correctly when some are missing': madeUpJoin,
} as const
