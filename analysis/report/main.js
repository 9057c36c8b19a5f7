// Start with the winner selected.
(() => {
  nas.startDetails();
  nas.startScatter();
  nas.startTrials();
  nas.startFilters();
  if (nas.data.winner !== null) nas.select(nas.trials[nas.data.winner]);
})();
