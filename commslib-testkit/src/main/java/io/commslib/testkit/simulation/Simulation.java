package io.commslib.testkit.simulation;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/**
 * Runs schedules: 24 messages of three keys, two members and at least one fault; the seed decides
 * everything else. The rules are checked at every step, and completeness at the end, once all
 * faults have ended. Immutable.
 */
public final class Simulation {

  private static final int MESSAGES = 24;
  private static final int KEYS = 3;
  private static final int MAX_STEPS = 50_000;

  /** The simulated broker. */
  public enum Model {
    /** Partitions, offsets, generations; classic, cooperative and broker-side rebalances. */
    KAFKA,
    /** A queue with a single active consumer, channels and acknowledgements. */
    RABBIT
  }

  /**
   * The result of a schedule.
   *
   * @param seed the seed, which reproduces it
   * @param trace a hash of all events in order
   * @param violations the broken rules; empty if there are none
   */
  public record Result(long seed, long trace, List<String> violations) {}

  private final Model model;
  private final SimulationFault saboteur;
  private final Supplier<OffsetLedger> ledgers;

  private Simulation(Model model, SimulationFault saboteur, Supplier<OffsetLedger> ledgers) {
    this.model = model;
    this.saboteur = saboteur;
    this.ledgers = ledgers;
  }

  /**
   * Creates a simulation of correct members.
   *
   * @param model the broker
   * @return new simulation
   */
  public static Simulation of(Model model) {
    return new Simulation(model, SimulationFault.NONE, ReferenceLedger::new);
  }

  /**
   * Adds a fault of the implementation.
   *
   * @param one the fault
   * @return new simulation
   */
  public Simulation sabotagedBy(SimulationFault one) {
    return new Simulation(model, one, ledgers);
  }

  /**
   * Replaces the ledger of the Kafka-like model by that of an adapter.
   *
   * @param ledger creates a ledger for each assignment of a partition
   * @return new simulation
   */
  public Simulation withLedgers(Supplier<OffsetLedger> ledger) {
    return new Simulation(model, saboteur, ledger);
  }

  /**
   * Runs the schedule of a seed, on the calling thread.
   *
   * @param seed the seed; the same one gives the same trace
   * @return its result
   */
  public Result run(long seed) {
    SimulatedWorld world = new SimulatedWorld(seed, saboteur);
    BrokerModel broker =
        model == Model.KAFKA ? new KafkaModel(world, ledgers) : new RabbitModel(world);
    int steps = runWithFaults(world, broker);
    world.noMoreFaults();
    broker.heal();
    while (steps++ < MAX_STEPS && stepOrAdvance(world, broker)) {
      if (!world.state().violations().isEmpty()) {
        break;
      }
    }
    if (world.state().violations().isEmpty()) {
      if (!world.state().isEverythingComplete()) {
        world.state().violated("lost or stuck: " + world.state().missing());
      } else {
        broker.checkAtTheEnd();
      }
    }
    return new Result(seed, world.state().traceHash(), List.copyOf(world.state().violations()));
  }

  private static int runWithFaults(SimulatedWorld world, BrokerModel broker) {
    SplittableRandom random = world.random();
    int[] published = new int[KEYS];
    int left = MESSAGES;
    int steps = 0;
    while (steps++ < MAX_STEPS && world.state().violations().isEmpty()) {
      int dice = random.nextInt(100);
      if (left > 0 && dice < 15) {
        int key = random.nextInt(KEYS);
        String name = "k" + key;
        world.state().published(name + "-" + published[key]);
        broker.publish(name, published[key]++);
        left--;
      } else if (world.hasFaultsLeft() && dice < 20) {
        broker.fault();
      } else if (!stepOrAdvance(world, broker) && left == 0) {
        break;
      }
    }
    return steps;
  }

  /** Returns false if no step is left. */
  private static boolean stepOrAdvance(SimulatedWorld world, BrokerModel broker) {
    boolean taskFirst = world.random().nextBoolean();
    if (taskFirst && world.clock().runOne()) {
      return true;
    }
    return broker.step() || world.clock().runOne() || world.clock().advance();
  }
}
