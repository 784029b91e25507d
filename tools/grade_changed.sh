#!/usr/bin/env bash
# Mark the assignments that the last commit has changed, and print their points; a folder marks/ holds the pages.
# They are held against the notebooks of the first commit: those that were handed out.
set -eu
cd "$(dirname "$0")/.."
# an empty secret is none
[ -n "${COURSE_MARKING_SECRET:-}" ] || unset COURSE_MARKING_SECRET
first=$(git rev-list --max-parents=0 HEAD | tail -n 1)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
git archive "$first" notebooks/assignments | tar -x -C "$scratch"
for notebook in $(git diff --name-only --diff-filter=d "$first" -- 'notebooks/assignments/*.ipynb'); do
  name=$(basename "$notebook" .ipynb)
  mkdir "$scratch/$name"
  cp "$notebook" "$scratch/$name/"
  make --silent grade SUBMISSIONS="$scratch/$name" ASSIGNMENT="$name" TO="marks/$name" \
    RELEASE="$scratch/notebooks/assignments" >&2
  echo "### $name"
  awk -F, 'NR == 1 { split($0, names, ",") } NR == 2 { for (i = 2; i <= NF; i++) print "* " names[i] ": " $i }' \
    "marks/$name/grades.csv"
done
