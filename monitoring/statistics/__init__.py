"""The numbers that a day is evaluated by, as pure functions of arrays.

NumPy alone: SciPy and scikit-learn cost a second to import and serve the tests as oracles. What is
undefined is NaN, never 0. Counts of a variable are arrays (classes, cells): how many rows of each
actual class fell into each cell.

arrays        the type of all arguments and results
shift         how far two distributions are apart: PSI, as DMM computes it, KS
binomials     counts that chance alone gives, and their tails
limits        the value that a shift exceeds by chance on few days: chooses how to compute it
exact_limits  of a PSI of two or three cells: every count there can be
bridges       of a KS distance: Brownian bridges on the cells
intervals     Wilson's interval of a share
auc           the area under the ROC curve and its interval
rank_sum      how likely chance alone ranks one class as low
scores        cells of a probability, and groups of cells
performance   accuracy, precision, AUC and others, with intervals
no_skill      how likely a model without skill is as bad
repeats       equal inputs whose answers differ
association   how closely the prediction follows each feature
"""
