package io.commslib.testkit.simulation;

import java.util.List;
import java.util.SplittableRandom;
import java.util.function.Supplier;

/**
 * Runs schedules: 24 messages of three keys, two members, at least one fault, everything else by
 * the seed. Each schedule is checked at every step for what must never happen, and at its end, once
 * everything is healed, for what must have happened. Immutable.
 */
public final class Simulation {

  private static final int MESSAGES = 24;
  private static final int KEYS = 3;
  private static final int MAX_STEPS = 50_000;

  /** Which broker is imitated. */
  public enum Model {
    /** Partitions, offsets, generations; classic, cooperative and broker-side rebalances. */
    KAFKA,
    /** A queue with a single active consumer, channels and acknowledgements. */
    RABBIT
  }

  /**
   * What a schedule came to.
   *
   * @param seed reproduces it
   * @param trace hash over everything that happened, in order
   * @param violations what must not have happened; empty if all is well
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
   * Creates a simulation in which nothing is done wrong.
   *
   * @param model which broker
   * @return new simulation
   */
  public static Simulation of(Model model) {
    return new Simulation(model, SimulationFault.NONE, ReferenceLedger::new);
  }

  /**
   * Puts a saboteur in.
   *
   * @param one what is done wrong
   * @return new simulation
   */
  public Simulation sabotagedBy(SimulationFault one) {
    return new Simulation(model, one, ledgers);
  }

  /**
   * Puts an adapter's ledger in the place of the Kafka-like model's own.
   *
   * @param ledger makes one for each assignment of a partition
   * @return new simulation
   */
  public Simulation withLedgers(Supplier<OffsetLedger> ledger) {
    return new Simulation(model, saboteur, ledger);
  }

  /**
   * Runs the schedule of a seed, on the calling thread.
   *
   * @param seed the seed; the same one gives the same trace
   * @return what it came to
   */
  public Result run(long seed) {
    SimulatedWorld world = new SimulatedWorld(seed, saboteur);
    BrokerModel broker =
        model == Model.KAFKA ? new KafkaModel(world, ledgers) : new RabbitModel(world);
    int steps = runWithFaults(world, broker);
    world.noMoreFaults();
    broker.heal();
    while (steps++ < MAX_STEPS && stepOrAdvance(world, broker)) {
      if (!world.truth().violations().isEmpty()) {
        break;
      }
    }
    if (world.truth().violations().isEmpty()) {
      if (!world.truth().isEverythingComplete()) {
        world.truth().violated("lost or stuck: " + world.truth().missing());
      } else {
        broker.checkAtTheEnd();
      }
    }
    return new Result(seed, world.truth().traceHash(), List.copyOf(world.truth().violations()));
  }

  private static int runWithFaults(SimulatedWorld world, BrokerModel broker) {
    SplittableRandom random = world.random();
    int[] published = new int[KEYS];
    int left = MESSAGES;
    int steps = 0;
    while (steps++ < MAX_STEPS && world.truth().violations().isEmpty()) {
      int dice = random.nextInt(100);
      if (left > 0 && dice < 15) {
        int key = random.nextInt(KEYS);
        String name = "k" + key;
        world.truth().published(name + "-" + published[key]);
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

  /** False if nothing is left to happen. */
  private static boolean stepOrAdvance(SimulatedWorld world, BrokerModel broker) {
    boolean taskFirst = world.random().nextBoolean();
    if (taskFirst && world.clock().runOne()) {
      return true;
    }
    return broker.step() || world.clock().runOne() || world.clock().advance();
  }
}
