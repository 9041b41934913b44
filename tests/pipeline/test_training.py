"""How a Keras model is trained, scored and kept: tiny trainings in the TensorFlow process."""

import re

import pytest
from pipeline.experiments import outcome


def test_a_model_learns_and_tells_how_it_goes(workbench):
    found = outcome(workbench, "training_experiments:learns")
    assert found["before"] < 0.6 and found["after"] >= 0.9
    assert len(found["said"]) == 12
    assert re.fullmatch(r"epoch 3 of 12: validation accuracy \d+\.\d %", found["said"][2])
    training = found["training"]
    assert (training["what"], training["epochs"], training["cached"]) == ("trained", 12, False)
    assert training["seconds"] > 0
    assert re.fullmatch(r"best validation loss in epoch \d+: validation accuracy [\d.]+ %", training["notes"][0])


def test_a_seed_decides_everything(workbench):
    first, second, other_seed = outcome(workbench, "training_experiments:same_for_the_same_seed")["prints"]
    assert first == second != other_seed


def test_logits_and_probabilities_are_told_apart(workbench):
    found = outcome(workbench, "training_experiments:logits_and_probabilities")
    assert (found["softmax"]["logits"], found["softmax"]["probabilities"]) == (False, True)
    assert (found["None"]["logits"], found["None"]["probabilities"]) == (True, False)
    assert min(found["softmax"]["score"], found["None"]["score"]) > 0.9


def test_a_model_for_anomalies_learns_to_rebuild_its_input(workbench):
    found = outcome(workbench, "training_experiments:rebuilds")
    assert found["loss"] == "mean_squared_error"
    assert found["score"] > 0.95
    assert re.fullmatch(r"epoch 1 of 12: validation loss [\d.e-]+", found["said"][0])


def test_a_loss_of_the_users_own_stays(workbench):
    found = outcome(workbench, "training_experiments:own_loss")
    assert (found["own"], found["optimizer"], found["epochs"]) == (True, "Adam", 1)


def test_it_ends_where_nothing_gets_better_and_says_so(workbench):
    found = outcome(workbench, "training_experiments:stops_early")
    assert found["epochs"] < 200
    assert found["notes"][1] == "stopped early: no better validation loss in 2 epochs"
    assert found["loss"] < 0.4


def test_the_best_epoch_counts_unless_the_last_is_asked_for(workbench):
    found = outcome(workbench, "training_experiments:keeps_the_best")
    assert found["True"] > 0.9
    assert found["False"] < found["True"]


def test_a_training_step_is_traced_once(workbench):
    assert outcome(workbench, "training_experiments:traces") == {"traced": 1}


def test_batches_are_augmented_in_their_own_shape(workbench):
    found = outcome(workbench, "training_experiments:augments")
    assert set(map(tuple, found["shapes"])) == {(16, 2)}
    assert found["refused"] == "the schedule's augment made a batch of (3, 2) out of one of (16, 2)"


def test_a_training_that_diverges_is_ended(workbench):
    refused = outcome(workbench, "training_experiments:diverges")["refused"]
    assert re.fullmatch(r"training diverged in epoch 1: its loss is (nan|inf): try a lower learning rate", refused)


def test_a_schedule_is_looked_at_first(workbench):
    assert outcome(workbench, "training_experiments:refused_schedules") == {
        "epochs": "the schedule's epochs is 0, where 1 or more was expected",
        "batch_size": "the schedule's batch_size is 0, where 1 or more was expected",
        "learning_rate": "the schedule's learning_rate is 0.0, where above 0 was expected",
        "patience": "the schedule's patience is -1, where 0 or more was expected",
        "validation_share": "the schedule's validation_share is 1.0, where from 0 to below 1 was expected",
    }


def test_data_that_do_not_fit_are_told_before_training(workbench):
    untrained = "quadrants has no train part, so that classifier cannot be trained on it"
    assert outcome(workbench, "training_experiments:refused_data") == {
        "no_train_part": untrained,
        "empty": untrained,
        "shape": "classifier takes samples of shape (2,), and those of quadrants have (1,)",
        "axes": "classifier takes samples of shape (2,), and those of quadrants have (2, 1)",
        "nan": "quadrants: its train part holds values that are NaN or infinite",
        "no_labels": "quadrants: 160 train inputs need as many labels, and there is none",
        "fewer_labels": "quadrants: 160 train inputs need as many labels, and there is an array of shape (159,)",
        "label_too_high": "classifier tells 4 classes apart, and labels of quadrants go from 1 to 4",
        "label_below": "classifier tells 4 classes apart, and labels of quadrants go from -1 to 2",
        "not_rebuilt": "classifier gives (4,) for an input of (2,): for score auc a model rebuilds its input",
        "two_inputs": "two has 2 inputs and 1 outputs, and the harness trains models with one of each: "
        "train it in its factory and return a TrainedModel",
    }


def test_scores_counted_by_hand(workbench):
    found = outcome(workbench, "training_experiments:scores")
    assert found["top1"] == 0.75
    # The share of pairs of an anomalous and a normal sample that the error puts in the right order.
    assert found["auc"] == {"all": 1.0, "half": 0.5, "none": 0.0}
    assert found["refused"].startswith("normal: an AUC needs normal (0) and anomalous (1) test samples")


def test_weights_are_kept_with_how_they_came_to_be(workbench):
    found = outcome(workbench, "training_experiments:kept_and_loaded")
    assert found["same"] and found["record"] and found["nothing"]
    assert found["files"] == ["model.weights.h5", "training.json"]
    assert found["beside"] == ["kept"]


def test_weights_that_are_no_numbers_are_refused_by_the_layer(workbench):
    found = outcome(workbench, "training_experiments:weights_not_numbers")
    sentence = f"a model: layer {found['layer']} has weights that are NaN or infinite (kernel)"
    assert found["checked"] == found["kept"] == sentence
    assert found["left"] == []


def test_damaged_weights_are_trained_anew_or_told(workbench):
    found = outcome(workbench, "training_experiments:damaged_record")
    assert found["torn"] and found["mended"]
    assert re.match(r"a model: the weights kept in .* cannot be loaded: .*: remove that folder", found["refused"])


@pytest.mark.parametrize("module", ["fit", "train_steps", "load_model", "weights", "teacher", "factories"])
def test_training_is_imported_without_tensorflow(module):
    import subprocess
    import sys

    code = (
        f"import harness.pipeline.model.training.{module}, sys;"
        "print(*{'tensorflow', 'keras', 'sklearn'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
