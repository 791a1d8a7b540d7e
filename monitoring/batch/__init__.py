"""A day's rows: synthetic, repeatable, and like the training data.

batch        the rows, the file that keeps them, their request bodies
generate     making the rows of a day
real_rows    real rows of the source instead
randomness   the random numbers of a day, its number of rows
encoding     rows as nominal codes, and back
smoten       many synthetic rows from the codes of some reference rows
pool         what the rows of a class are drawn from
raking       weights that bring every level and bin back to its share, and draws by them
numericals   the numerical values of synthetic rows, drawn together
labels       how many rows each class gets; noise in the outcomes
drills       shifts on purpose
drill_text   how they are named
inputs       the settings that shape the rows, and how they changed
scored       the rows together with what came of them
"""
